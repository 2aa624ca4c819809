/* SPDX-License-Identifier: MIT */
/*
 * Opening ports, and sharing them by a lock file and a side door.
 */
#include "tools/nr/port.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 512
#define DRAIN_MS 1000

uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

const char *port_default(void)
{
    const char *name = getenv("NR_PORT");
    if (name && *name) {
        return name;
    }
    return access("build/console.sock", F_OK) == 0 ? "build/console.sock" : "/dev/ttyUSB0";
}

static bool is_tcp(const char *name)
{
    return strncmp(name, "tcp:", 4) == 0;
}

static bool is_device(const char *name)
{
    struct stat status;
    return stat(name, &status) == 0 && S_ISCHR(status.st_mode);
}

/* Where lock (".lock") and side door (".nr") of a port lie. */
static void side_path(char *path, const char *name, const char *suffix)
{
    if (!is_tcp(name) && strncmp(name, "/dev/", 5) != 0) {
        snprintf(path, PATH_BYTES, "%s%s", name, suffix);
        return;
    }
    const char *folder = getenv("XDG_RUNTIME_DIR");
    int length = snprintf(path, PATH_BYTES, "%s/nr", folder && *folder ? folder : "/tmp");
    for (; *name && length < PATH_BYTES - 16; name++) {
        path[length++] = *name == '/' || *name == ':' ? '-' : *name;
    }
    snprintf(path + length, (size_t)(PATH_BYTES - length), "%s", suffix);
}

/* An address may have 107 bytes only: a longer path is reached through its open folder. */
static int unix_address(struct sockaddr_un *address, const char *path, int *folder)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder = -1;
    if (strlen(path) < sizeof(address->sun_path)) {
        strcpy(address->sun_path, path);
        return 0;
    }
    const char *name = strrchr(path, '/');
    char *parent = strndup(path, name ? (size_t)(name - path) : 0);
    if (!name || strlen(name) > 60 || !parent) {
        free(parent);
        return -ENAMETOOLONG;
    }
    *folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d%s", *folder, name);
    return *folder < 0 ? -errno : 0;
}

static int unix_connect(const char *path)
{
    struct sockaddr_un address;
    int folder;
    int result = unix_address(&address, path, &folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (result == 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        result = -errno;
    }
    if (folder >= 0) {
        close(folder);
    }
    if (result < 0) {
        close(fd);
        return result;
    }
    return fd;
}

static int tcp_connect(const char *name, struct why *why)
{
    char host[PATH_BYTES];
    snprintf(host, sizeof(host), "%s", name + 4);
    char *number = strrchr(host, ':');
    if (!number) {
        return why_set(why, -EINVAL, "%s: a TCP port is written tcp:HOST:NUMBER", name);
    }
    *number++ = 0;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failure = getaddrinfo(host, number, &hints, &found);
    if (failure) {
        return why_set(why, -ENOENT, "%s: %s", name, gai_strerror(failure));
    }
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, found->ai_addr, found->ai_addrlen) < 0) {
        int error = -errno;
        close(fd);
        fd = why_set(why, error, "%s: %s", name, strerror(-error));
    }
    freeaddrinfo(found);
    return fd;
}

static speed_t speed_of(unsigned baud)
{
    static const struct {
        unsigned baud;
        speed_t speed;
    } known[] = {{9600, B9600},     {19200, B19200},   {38400, B38400},
                 {57600, B57600},   {115200, B115200}, {230400, B230400},
                 {460800, B460800}, {921600, B921600}, {1000000, B1000000}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (known[i].baud == baud) {
            return known[i].speed;
        }
    }
    return B0;
}

static int tty_open(const char *name, unsigned baud, struct why *why)
{
    struct termios settings;
    speed_t speed = speed_of(baud);
    if (speed == B0) {
        return why_set(why, -EINVAL, "%s: %u baud is not a rate that serial lines have", name,
                       baud);
    }
    int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return why_set(why, -errno, "%s: %s", name, strerror(errno));
    }
    if (tcgetattr(fd, &settings) == 0) {
        cfmakeraw(&settings);
        settings.c_cflag |= CLOCAL | CREAD;
        settings.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
        cfsetispeed(&settings, speed);
        cfsetospeed(&settings, speed);
        if (tcsetattr(fd, TCSANOW, &settings) == 0) {
            return fd;
        }
    }
    int error = -errno;
    close(fd);
    return why_set(why, error, "%s: %s", name, strerror(-error));
}

int port_open_raw(const char *name, unsigned baud, struct why *why)
{
    int fd;
    if (is_tcp(name)) {
        fd = tcp_connect(name, why);
    } else if (is_device(name)) {
        fd = tty_open(name, baud, why);
    } else {
        fd = unix_connect(name);
        if (fd < 0) {
            return why_set(why, fd, "%s: %s (is the machine running?)", name, strerror(-fd));
        }
    }
    if (fd >= 0) {
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
    return fd;
}

/* Takes the lock of a line. -EBUSY: somebody has it. */
static int lock_line(const char *name, struct why *why)
{
    char path[PATH_BYTES];
    side_path(path, name, ".lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        return why_set(why, -errno, "%s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        char owner[32] = "";
        ssize_t got = read(fd, owner, sizeof(owner) - 1);
        owner[got > 0 ? strcspn(owner, "\n") : 0] = 0;
        close(fd);
        return why_set(why, -EBUSY, "%s: another nr has the line (process %s)", name, owner);
    }
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
        /* only for the message above */
    }
    return fd;
}

int port_open_own(struct port *port, const char *name, unsigned baud, struct why *why)
{
    *port = (struct port){.fd = -1, .lock = lock_line(name, why)};
    if (port->lock < 0) {
        return port->lock;
    }
    port->fd = port_open_raw(name, baud, why);
    if (port->fd < 0) {
        close(port->lock);
        port->lock = -1;
        return port->fd;
    }
    return 0;
}

/* Goes to the side door and waits to be let in, which is told by one byte. -ENOENT: no door. */
static int enter_side_door(const char *name, unsigned wait_ms, struct why *why)
{
    char path[PATH_BYTES];
    uint8_t go_ahead;
    side_path(path, name, ".nr");
    int fd = unix_connect(path);
    if (fd < 0) {
        return -ENOENT;
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int ready = poll(&wait, 1, (int)(wait_ms < PORT_TELL_MS ? wait_ms : PORT_TELL_MS));
    if (ready == 0 && wait_ms > PORT_TELL_MS) {
        fprintf(stderr, "nr: another nr is being served, waiting\n");
        ready = poll(&wait, 1, (int)(wait_ms - PORT_TELL_MS));
    }
    if (ready > 0 && read(fd, &go_ahead, 1) == 1) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        return fd;
    }
    close(fd);
    /* The console may have left just now: then the line itself is free. */
    return ready > 0 ? -ENOENT : why_set(why, -EBUSY, "%s: another nr keeps the line busy", name);
}

int port_open_any(struct port *port, const char *name, unsigned baud, unsigned wait_ms,
                  struct why *why)
{
    uint64_t start = now_ms();
    bool was_told = false;
    for (;;) {
        int fd = enter_side_door(name, wait_ms, why);
        if (fd != -ENOENT) {
            *port = (struct port){.fd = fd, .lock = -1, .is_brokered = true};
            return fd < 0 ? fd : 0;
        }
        int result = port_open_own(port, name, baud, why);
        if (result != -EBUSY || now_ms() - start >= wait_ms) {
            return result;
        }
        if (!was_told && now_ms() - start > PORT_TELL_MS) {
            fprintf(stderr, "nr: %s, waiting\n", why->text);
            was_told = true;
        }
        poll(NULL, 0, 50);
    }
}

int port_listen(const char *name, struct why *why)
{
    char path[PATH_BYTES];
    struct sockaddr_un address;
    int folder;
    side_path(path, name, ".nr");
    (void)unlink(path); /* of an nr that was killed: we hold the lock */
    int result = unix_address(&address, path, &folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    mode_t before = umask(0177);
    if (result == 0 &&
        (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0)) {
        result = -errno;
    }
    umask(before);
    if (folder >= 0) {
        close(folder);
    }
    if (result < 0) {
        close(fd);
        return why_set(why, result, "%s: %s", path, strerror(-result));
    }
    return fd;
}

void port_unlisten(const char *name, int fd)
{
    char path[PATH_BYTES];
    side_path(path, name, ".nr");
    (void)unlink(path);
    close(fd);
}

void port_drain(int fd)
{
    uint64_t end = now_ms() + DRAIN_MS;
    int waiting;
    /* TIOCOUTQ is SIOCOUTQ for sockets, tty_ioctl(4), unix(7). */
    while (ioctl(fd, TIOCOUTQ, &waiting) == 0 && waiting > 0 && now_ms() < end) {
        poll(NULL, 0, 1);
    }
}

void port_close(struct port *port)
{
    if (port->fd >= 0) {
        close(port->fd);
    }
    if (port->lock >= 0) {
        close(port->lock);
    }
    port->fd = port->lock = -1;
}
