/* fsync and fdatasync that fail with EIO while the file named by FSYNC_EIO_WHEN exists.
 *
 * Preloaded into the server by tests/crash.rs: a disk that stops taking writes, at a time the test
 * chooses, without root. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void) {
    const char *when = getenv("FSYNC_EIO_WHEN");
    return when && access(when, F_OK) == 0;
}

int fsync(int descriptor) {
    static int (*real)(int);
    if (fails()) {
        errno = EIO;
        return -1;
    }
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return real(descriptor);
}

int fdatasync(int descriptor) {
    static int (*real)(int);
    if (fails()) {
        errno = EIO;
        return -1;
    }
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return real(descriptor);
}
