/* SPDX-License-Identifier: MIT */
/* Memory, messages and files of the packager. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nrpack.h"

void die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("nrpack: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(STATUS_TROUBLE);
}

void complain(const char *path, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", path);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

void *allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory) {
        die("no memory for %zu bytes", size);
    }
    return memory;
}

void *grow(void *array, size_t count, size_t element_size)
{
    /* Room doubles: it is full whenever count is 0 or a power of two. */
    if (count & (count - 1)) {
        return array;
    }
    size_t room = count ? 2 * count : 1;
    array = reallocarray(array, room, element_size);
    if (!array) {
        die("no memory for %zu elements", room);
    }
    return array;
}

char *print_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        die("no memory");
    }
    return text;
}

void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        die("%s: %s", path, strerror(errno));
    }
    struct stat status;
    if (fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode)) {
        die("%s: not a regular file", path);
    }
    *size = (size_t)status.st_size;
    char *data = allocate(*size + 1);
    if (fread(data, 1, *size, file) != *size) {
        die("%s: cannot be read", path);
    }
    fclose(file);
    return data;
}

void write_file(const char *path, const void *data, size_t size)
{
    if (strcmp(path, "-") == 0) {
        fwrite(data, 1, size, stdout); /* checked at the end of main() */
        return;
    }
    char *beside = print_text("%s.%ld.tmp", path, (long)getpid());
    FILE *file = fopen(beside, "wb");
    if (!file) {
        die("%s: %s", beside, strerror(errno));
    }
    bool is_written = fwrite(data, 1, size, file) == size;
    is_written &= fclose(file) == 0;
    if (!is_written || rename(beside, path) < 0) {
        int error = errno;
        unlink(beside);
        die("%s: %s", path, strerror(error));
    }
    free(beside);
}
