/* PRIVATE to lib/os: is this built with a sanitizer that calls the system where it likes? */
#ifndef OS_SANITIZED_H
#define OS_SANITIZED_H

#if defined(__SANITIZE_ADDRESS__)
#define OS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OS_SANITIZED 1
#endif
#endif

#endif
