/* SPDX-License-Identifier: MIT */
/* Commands that show: ls, cat, hexdump, df. What they show at once is bounded, as their output is.
 */
#include <errno.h>
#include <string.h>

#include "files.h"

#define LS_MAX 200u
#define CAT_BYTES 8192u
#define PIECE_BYTES 512u
#define LINE_BYTES 16u
#define DUMP_BYTES 256u
#define DUMP_MAX 2048u
#define OWNER "files"
#define KIB 1024u

int files_read_number(const char *word, uint32_t *number)
{
    uint64_t value = 0;
    size_t length = strspn(word, "0123456789");
    if (length == 0 || length > 10 || word[length] != '\0') {
        return -EINVAL;
    }
    for (size_t i = 0; i < length; i++) {
        value = value * 10 + (uint64_t)(word[i] - '0');
    }
    *number = (uint32_t)value;
    return value > UINT32_MAX ? -EINVAL : 0;
}

int files_refuse_words(struct command_output *output, const char *usage)
{
    command_print(output, "usage: %s\n", usage);
    return -EINVAL;
}

int files_tell(struct command_output *output, const char *what, int result)
{
    static const struct {
        int error;
        const char *words;
    } words[] = {
        {-ENOENT, "there is no such file or directory"},
        {-EEXIST, "it is there already"},
        {-ENOTDIR, "that, or something on the way, is no directory"},
        {-EISDIR, "that is a directory"},
        {-ENOTEMPTY, "the directory is not empty"},
        {-EBUSY, "it is in use"},
        {-EROFS, "it is not to be written"},
        {-ENOSPC, "there is no room left"},
        {-EFBIG, "the file would be too large"},
        {-EINVAL, "this cannot be: a path begins with /, and names have no \" * : < > ? \\ |"},
        {-EILSEQ, "the name is not UTF-8"},
        {-ENAMETOOLONG, "the name is too long"},
        {-EXDEV, "the two are not on one volume: copy it"},
        {-ENOMEDIUM, "its medium is gone"},
        {-EIO, "the device fails, or what is on it makes no sense; see the log"},
        {-EMFILE, "too many files are open"},
        {-EAGAIN, "the files are busy: try again"},
        {-ENOMEM, "there is no memory left"},
        {-ENOSYS, "there are no files: vfs is not loaded"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (result == words[i].error) {
            command_print(output, "%.120s: %s\n", what, words[i].words);
            return result;
        }
    }
    if (result < 0) {
        command_print(output, "%.120s: error %d\n", what, result);
    }
    return result;
}

static void print_entry(struct command_output *output, const char *name,
                        const struct file_info *info)
{
    if (info->is_directory) {
        command_print(output, "           - ");
    } else {
        command_print(output, "%12llu ", (unsigned long long)info->bytes);
    }
    if (info->year != 0) {
        command_print(output, "%04u-%02u-%02u ", info->year, info->month, info->day);
    } else {
        command_print(output, "           ");
    }
    output->write(output, name, strlen(name));
    command_print(output, info->is_directory ? "/\n" : "\n");
}

int files_run_ls(int count, char *const words[], struct command_output *output)
{
    struct file_entry entry = {0};
    uint32_t handle, position = 0, shown = 0;
    const char *path = count == 2 ? words[1] : "/";
    if (count > 2) {
        return files_refuse_words(output, "ls [PATH]");
    }
    int result = FILES_TRY(vfs_open(OWNER, path, FILE_DIRECTORY, &handle, NULL));
    if (result == -ENOTDIR && FILES_TRY(vfs_look(path, &entry.info)) == 0) {
        print_entry(output, path, &entry.info);
        return 0;
    }
    if (result < 0) {
        return files_tell(output, path, result);
    }
    while (shown < LS_MAX && (result = FILES_TRY(vfs_list(handle, &position, &entry))) == 0) {
        print_entry(output, entry.name, &entry.info);
        shown++;
    }
    if (shown == LS_MAX) {
        command_print(output, "(there may be more)\n");
        result = 0;
    }
    files_close(handle);
    return files_tell(output, path, result == -ENOENT ? 0 : result);
}

/* Opens a file to be shown from an offset on. */
static int open_at(int count, char *const words[], uint32_t *handle, uint32_t *offset,
                   struct command_output *output, const char *usage)
{
    *offset = 0;
    if (count < 2 || (count > 2 && files_read_number(words[2], offset) < 0)) {
        return files_refuse_words(output, usage);
    }
    return files_tell(output, words[1],
                      FILES_TRY(vfs_open(OWNER, words[1], FILE_READ, handle, NULL)));
}

int files_run_cat(int count, char *const words[], struct command_output *output)
{
    char piece[PIECE_BYTES];
    uint32_t handle, offset, shown = 0;
    int result = open_at(MIN(count, 4), words, &handle, &offset, output, "cat FILE [OFFSET]");
    if (result < 0) {
        return result;
    }
    while (shown < CAT_BYTES &&
           (result = FILES_TRY(vfs_read(handle, offset, piece, sizeof(piece)))) > 0) {
        output->write(output, piece, (size_t)result);
        offset += (uint32_t)result;
        shown += (uint32_t)result;
    }
    files_close(handle);
    if (result > 0) {
        command_print(output, "\n(more: cat %.120s %u)\n", words[1], offset);
    }
    return files_tell(output, words[1], MIN(result, 0));
}

static void print_line(struct command_output *output, uint32_t offset, const uint8_t *bytes,
                       uint32_t count)
{
    char text[LINE_BYTES + 1];
    command_print(output, "%08x ", offset);
    for (uint32_t i = 0; i < LINE_BYTES; i++) {
        if (i < count) {
            command_print(output, " %02x", bytes[i]);
            text[i] = (char)(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.');
        } else {
            command_print(output, "   ");
        }
    }
    text[count] = '\0';
    command_print(output, "  %s\n", text);
}

int files_run_hexdump(int count, char *const words[], struct command_output *output)
{
    static const char usage[] = "hexdump FILE [OFFSET [BYTES]]; BYTES: 1 to 2048";
    uint8_t line[LINE_BYTES];
    uint32_t handle, offset, left = DUMP_BYTES;
    if (count == 4 && (files_read_number(words[3], &left) < 0 || left == 0 || left > DUMP_MAX)) {
        return files_refuse_words(output, usage);
    }
    int result = open_at(count, words, &handle, &offset, output, usage);
    if (result < 0) {
        return result;
    }
    while (left > 0 &&
           (result = FILES_TRY(vfs_read(handle, offset, line, MIN(left, LINE_BYTES)))) > 0) {
        print_line(output, offset, line, (uint32_t)result);
        offset += (uint32_t)result;
        left -= (uint32_t)result;
    }
    files_close(handle);
    return files_tell(output, words[1], MIN(result, 0));
}

int files_run_df(int count, char *const words[], struct command_output *output)
{
    struct vfs_mount mount;
    uint32_t i = 0;
    int result;
    (void)words;
    if (count > 1) {
        return files_refuse_words(output, "df");
    }
    for (; (result = FILES_TRY(vfs_read_mount(i, &mount))) != -ENOENT; i++) {
        if (result < 0) {
            return files_tell(output, "df", result);
        }
        const struct volume_info *volume = &mount.volume;
        command_print(output, "/%-12s %-10s %s %10llu KiB, ", mount.name, mount.device,
                      volume->kind, (unsigned long long)volume->bytes / KIB);
        if (volume->is_free_known) {
            command_print(output, "%llu KiB free", (unsigned long long)volume->free_bytes / KIB);
        } else {
            command_print(output, "being counted");
        }
        command_print(output, ", %u open%s%s%s%s\n", mount.handles,
                      volume->is_read_only ? ", read-only" : "",
                      volume->is_damaged ? ", to be checked" : "", volume->label[0] ? ", " : "",
                      volume->label);
    }
    if (i == 0) {
        command_print(output, "no volume is mounted\n");
    }
    return 0;
}
