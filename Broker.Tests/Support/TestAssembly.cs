// Twice the two cores that the suite is meant for: most of what runs end to end waits for other processes.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]
