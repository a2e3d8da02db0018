/*
 * What the thread sanitizer is told to pass over, in every test built with it. Debian's libleveldb
 * is not instrumented, so the sanitizer sees the memory of its lock-free tables but not the atomic
 * operations that order them. What we share between threads ourselves stays under watch.
 */

const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libleveldb.so\n";
}
