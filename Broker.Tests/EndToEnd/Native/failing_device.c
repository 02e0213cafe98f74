/* Preloaded into the host: a device that errs. While the file FAIL_SWITCH is there, syncs and writes of files below FAIL_FOLDER fail with
 * EIO, whichever of the two words the file has. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int file, const char *what)
{
    const char *trigger = getenv("FAIL_SWITCH"), *folder = getenv("FAIL_FOLDER");
    char link[64], path[4096], words[64] = "";
    int saved = errno;
    FILE *words_file;
    ssize_t length;

    if (!trigger || !folder) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (length <= 0) return 0;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return 0;
    words_file = fopen(trigger, "r");
    errno = saved;
    if (!words_file) return 0;
    if (!fgets(words, sizeof words, words_file)) words[0] = 0;
    fclose(words_file);
    errno = saved;
    return strstr(words, what) != NULL;
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAIL_IF(file, what) \
    if (fails(file, what)) { errno = EIO; return -1; }

int fsync(int file)
{
    REAL(int, "fsync", int);
    FAIL_IF(file, "sync")
    return real(file);
}

int fdatasync(int file)
{
    REAL(int, "fdatasync", int);
    FAIL_IF(file, "sync")
    return real(file);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    FAIL_IF(file, "write")
    return real(file, bytes, count);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset)
{
    REAL(ssize_t, "pwrite", int, const void *, size_t, off_t);
    FAIL_IF(file, "write")
    return real(file, bytes, count, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset)
{
    REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
    FAIL_IF(file, "write")
    return real(file, bytes, count, offset);
}
