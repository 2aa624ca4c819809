/* SPDX-License-Identifier: MIT */
/* Answers; see answer.h. */
#include "answer.h"

#include <errno.h>

#include <lib/format.h>

void answer_begin(struct requests *requests, struct message_writer *writer, uint32_t id)
{
    message_begin(writer, requests->answer, sizeof(requests->answer));
    message_put_u32(writer, "id", id);
}

/* There is room: it was looked for before. */
void answer_send(struct requests *requests, struct wire_link *link, struct message_writer *writer)
{
    int size = message_finish(writer);
    if (size > 0) {
        (void)wire_send(link, requests->answer, (size_t)size); /* no session: nobody to tell */
    }
}

void answer_result(struct requests *requests, struct wire_link *link, uint32_t id, int result,
                   const char *words)
{
    struct message_writer writer;
    answer_begin(requests, &writer, id);
    message_put_u32(&writer, "result", (uint32_t)result);
    message_put_string(&writer, "message", words);
    answer_send(requests, link, &writer);
}

const char *words_for(int error)
{
    switch (error) {
    case -ENOENT:
        return "there is no such thing";
    case -EINVAL:
        return "that makes no sense";
    case -EBUSY:
        return "too much is under way: try again";
    case -ENOMEM:
        return "out of memory";
    default:
        return "it failed";
    }
}

void refuse(const struct request *request, int error, const char *words)
{
    answer_result(request->requests, request->link, request->id, error,
                  words && words[0] ? words : words_for(error));
}

/* A string property; its absence is answered. */
const char *need_string(const struct request *request, const char *name)
{
    char words[96];
    const char *value = NULL;
    if (message_get_string(&request->message, name, &value) < 0) {
        (void)format_print(words, sizeof(words), "the request has no string \"%s\"", name);
        refuse(request, -EINVAL, words);
        return NULL;
    }
    return value;
}

bool need_u32(const struct request *request, const char *name, uint32_t *value)
{
    char words[96];
    if (message_get_u32(&request->message, name, value) < 0) {
        (void)format_print(words, sizeof(words), "the request has no number \"%s\"", name);
        refuse(request, -EINVAL, words);
        return false;
    }
    return true;
}
