namespace Broker.Cluster.Protocol.Copies;

/// <summary>The rules of the protocol that a test can leave out, to show that the checker finds what follows from it.</summary>
[Flags]
internal enum CopyRules
{
    /// <summary>All rules hold.</summary>
    None = 0,

    /// <summary>An entry is acknowledged only when all replicas have it.</summary>
    AcknowledgeWhatAllHave = 1,

    /// <summary>Only what is acknowledged is delivered.</summary>
    DeliverWhatIsAcknowledged = 2,

    /// <summary>A promise ends all lower terms at its replica.</summary>
    PromiseFences = 4,

    /// <summary>Nothing is acknowledged while the set of replicas changes.</summary>
    FreezeWhileSetChanges = 8,

    /// <summary>A set that was recorded is in force when the register, read back, has no higher claim.</summary>
    ReadBackAfterChange = 16,

    /// <summary>A claimant is active when the register, read back, has no higher claim.</summary>
    ReadBackBeforeActive = 32,

    /// <summary>A claimant collects from the newest set, as read after its claim was written.</summary>
    CollectFromNewestSet = 64,

    /// <summary>A new lineage begins only when all replicas are gone from the subscription for long enough.</summary>
    WaitForHolders = 128,

    /// <summary>A read is answered when all followers have confirmed the term.</summary>
    ProveReads = 256,

    /// <summary>Nothing is acknowledged that a majority of the members is not received for.</summary>
    HearMajority = 512,

    /// <summary>A replica is asked by its store, and one with another content does not count.</summary>
    TrustOnlyNewLogs = 1024,
}
