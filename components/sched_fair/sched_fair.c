/* SPDX-License-Identifier: MIT */
/*
 * Weighted fair scheduling: each CPU runs the thread that has had least of its share.
 *
 * A thread's virtual time is its CPU time divided by its weight. Each CPU has a queue ordered by
 * virtual time, and a floor below which nobody in it counts, so that who slept long does not then
 * run alone for as long. Virtual times only compare within a queue: who moves to another keeps its
 * distance to the floor. A CPU whose queue is empty takes from the fullest other one.
 *
 * Where one thread waits, it runs next, and who gives way to it takes its place: that is the usual
 * case, and there is nothing to weigh up. The CPU is still on the stack of who gives way so; until
 * it calls again, no other gets that one.
 *
 * One spinlock guards everything: it is held for some tens of instructions. A thread's words
 * count only while they bear the present epoch, since another scheduler may have written there.
 */
#include <errno.h>

#include <interface/scheduler.h>
#include <neurath/chain.h>
#include <neurath/component.h>
#include <neurath/time.h>

#define ALL_CPUS ((1u << CPU_MAX) - 1)

/* How long a thread runs at least before another takes its place. */
#define GRANULARITY_NS 2000000u
/* How far before the floor a thread may begin that has slept. */
#define SLEEPER_BONUS_NS 4000000u
/* How far behind the floor a thread may come in, even one of weight 1: nobody starves for ever. */
#define LAG_MAX_NS 100000000000u

/* What lies in thread->scheduler_words. Its contents outlast the time in the queue. */
struct __attribute__((may_alias)) entity {
    struct list node;
    uint64_t virtual_ns; /* CPU time divided by weight, on the scale of queue `home` */
    uint64_t charged_ns; /* thread->cpu_ns up to which virtual_ns counts */
    uint64_t home;       /* the CPU whose queue it is or was in */
    uint64_t unused;
    uint64_t epoch; /* state.epoch when the words were written */
    uint64_t mark;  /* state.mark while it is in a queue */
};
static_assert(sizeof(struct entity) == sizeof(((struct thread *)0)->scheduler_words), "it fits");

struct queue {
    struct chain waiting;    /* of struct entity, least virtual time first */
    uint64_t floor_ns;       /* never goes back */
    uint64_t waiting_weight; /* sum over waiting */
    uint32_t running_id;     /* id of the thread that runs there; 0: none */
    uint32_t running_weight; /* its weight; 0: none runs */
    uint32_t leaving_id;     /* id of the thread whose stack the CPU may be on still; 0: none */
    uint32_t reserved;
    uint64_t running_virtual_ns; /* its virtual time when it was picked */
    uint64_t running_since_ns;   /* when that was */
};

struct sched_fair {
    struct spinlock lock; /* guards all below, and the words of threads that run or are queued */
    uint32_t idle_mask;   /* CPUs that had nobody to run when they last asked */
    uint64_t epoch;       /* when this scheduler took over, ns; 0: at boot */
    uint64_t mark; /* another whenever the queues are made anew; 0 is in new threads' words */
    struct queue queues[CPU_MAX];
};

STATE(struct sched_fair) state = {.mark = 1};

static struct entity *entity_of(struct thread *thread)
{
    return (struct entity *)thread->scheduler_words;
}

static struct thread *thread_of(struct entity *entity)
{
    return container_of((uint64_t *)entity, struct thread, scheduler_words);
}

static uint32_t weight_of(const struct thread *thread)
{
    return MAX(thread->weight, 1);
}

static uint64_t to_virtual(uint64_t ns, uint32_t weight)
{
    return weight == THREAD_WEIGHT_DEFAULT ? ns : ns * THREAD_WEIGHT_DEFAULT / weight;
}

/* The order of virtual times, which may wrap. */
static bool is_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

/* Makes the words valid, and charges what the thread has run since. */
static void refresh(struct thread *thread)
{
    struct entity *entity = entity_of(thread);
    if (entity->epoch != state.epoch || entity->home >= CPU_MAX) {
        unsigned home = thread->cpu < CPU_MAX ? thread->cpu : 0;
        *entity = (struct entity){
            .virtual_ns = state.queues[home].floor_ns,
            .charged_ns = thread->cpu_ns,
            .home = home,
            .epoch = state.epoch,
        };
    }
    /* By cpu_ns, not by what the caller says it ran: that leaves out what came before a sleep. */
    if (is_before(entity->charged_ns, thread->cpu_ns)) {
        entity->virtual_ns += to_virtual(thread->cpu_ns - entity->charged_ns, weight_of(thread));
    }
    entity->charged_ns = thread->cpu_ns;
}

/* Brings virtual time to another queue's scale, and into sensible bounds there. */
static void move_home(struct entity *entity, unsigned cpu)
{
    uint64_t floor = state.queues[cpu].floor_ns;
    uint64_t virtual = entity->virtual_ns - state.queues[entity->home].floor_ns + floor;
    if (is_before(virtual, floor - SLEEPER_BONUS_NS)) {
        virtual = floor - SLEEPER_BONUS_NS;
    } else if (is_before(floor + LAG_MAX_NS, virtual)) {
        virtual = floor + LAG_MAX_NS;
    }
    entity->virtual_ns = virtual;
    entity->home = cpu;
}

/* The virtual time of who runs there now. */
static uint64_t running_now(const struct queue *queue, uint64_t now_ns)
{
    return queue->running_virtual_ns +
           to_virtual(now_ns - queue->running_since_ns, queue->running_weight);
}

static void raise_to(struct queue *queue, uint64_t least)
{
    if (is_before(queue->floor_ns, least)) {
        queue->floor_ns = least;
    }
}

/* Raises a queue's floor to the least virtual time in it, that of who runs now included. */
static void raise_floor(struct queue *queue, uint64_t now_ns)
{
    const struct entity *first = chain_first(&queue->waiting, struct entity, node);
    uint64_t least = first ? first->virtual_ns : queue->floor_ns;
    if (queue->running_id) {
        uint64_t running = running_now(queue, now_ns);
        least = !first || is_before(running, least) ? running : least;
    }
    raise_to(queue, least);
}

/* Notes who has run on a CPU since then, having had virtual_ns before; NULL: nobody. */
static void set_running(unsigned cpu, const struct thread *thread, uint64_t virtual_ns,
                        uint64_t since_ns)
{
    struct queue *queue = &state.queues[cpu];
    queue->running_id = thread ? thread->id : 0;
    queue->running_weight = thread ? weight_of(thread) : 0;
    queue->running_virtual_ns = virtual_ns;
    queue->running_since_ns = since_ns;
    state.idle_mask = (state.idle_mask & ~(1u << cpu)) | (thread ? 0 : 1u << cpu);
}

/*
 * Where a thread should run: a CPU without work, best its last one; else the one with the least
 * weight, its last one when that is no worse.
 */
static unsigned choose_cpu(const struct thread *thread)
{
    uint32_t allowed = thread->cpu_mask & ALL_CPUS, online;
    uint64_t best_load = UINT64_MAX;
    if ((allowed & (allowed - 1)) == 0) {
        return (unsigned)__builtin_ctz(allowed); /* bound to one */
    }
    online = cpu_online_mask();
    allowed = allowed & online ? allowed & online : allowed;
    unsigned best = (unsigned)__builtin_ctz(allowed);
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        const struct queue *queue = &state.queues[cpu];
        uint64_t load = queue->waiting_weight + queue->running_weight;
        if (!(allowed & 1u << cpu)) {
            continue;
        }
        if (load < best_load || (load == best_load && cpu == thread->cpu)) {
            best = cpu;
            best_load = load;
        }
    }
    return best;
}

static void insert(struct entity *entity, unsigned cpu)
{
    struct queue *queue = &state.queues[cpu];
    struct entity *behind;
    chain_for_each(behind, &queue->waiting, node)
    {
        if (is_before(entity->virtual_ns, behind->virtual_ns)) {
            break;
        }
    }
    chain_insert_before(&queue->waiting, behind ? &behind->node : NULL, &entity->node);
    queue->waiting_weight += weight_of(thread_of(entity));
    entity->mark = state.mark;
}

static void take_out(struct entity *entity)
{
    struct queue *queue = &state.queues[entity->home];
    chain_remove(&queue->waiting, &entity->node);
    /* The weight may have been changed meanwhile: never let the sum wrap. */
    queue->waiting_weight -= MIN(queue->waiting_weight, weight_of(thread_of(entity)));
    if (chain_is_empty(&queue->waiting)) {
        queue->waiting_weight = 0;
    }
    entity->mark = 0;
}

static int enqueue_locked(struct thread *thread)
{
    struct entity *entity = entity_of(thread);
    if (!(thread->cpu_mask & ALL_CPUS)) {
        return -EINVAL;
    }
    if (entity->mark == state.mark) {
        return (int)entity->home;
    }
    refresh(thread);
    if (thread->cpu < CPU_MAX && state.queues[thread->cpu].running_id == thread->id) {
        set_running(thread->cpu, NULL, 0, 0); /* a call made again: it runs no more */
    }
    unsigned cpu = choose_cpu(thread);
    move_home(entity, cpu);
    insert(entity, cpu);
    return (int)cpu;
}

/* The first in the queue of `from` that cpu may have now. */
static struct entity *first_for(unsigned cpu, unsigned from)
{
    const struct queue *queue = &state.queues[from];
    struct entity *entity;
    chain_for_each(entity, &queue->waiting, node)
    {
        const struct thread *thread = thread_of(entity);
        if (thread->cpu_mask & 1u << cpu && (cpu == from || thread->id != queue->leaving_id)) {
            break;
        }
    }
    return entity;
}

/* Who should run on cpu: the first of its own queue, else one of the fullest other queue. */
static struct entity *best_for(unsigned cpu)
{
    struct entity *best = first_for(cpu, cpu);
    uint64_t most = 0;
    if (best) {
        return best;
    }
    for (unsigned from = 0; from < CPU_MAX; from++) {
        struct entity *entity = first_for(cpu, from);
        if (entity && state.queues[from].waiting_weight > most) {
            most = state.queues[from].waiting_weight;
            best = entity;
        }
    }
    return best;
}

int scheduler_enqueue(struct thread *thread)
{
    spin_acquire(&state.lock);
    int result = enqueue_locked(thread);
    spin_release(&state.lock);
    return result;
}

/* Who runs is in no queue; but a call that was cut off and made again may have put it there. */
static void settle(struct thread *current)
{
    if (entity_of(current)->mark == state.mark) {
        take_out(entity_of(current));
    }
}

/*
 * A CPU does something else than was picked: who was to give way went on, since there was nobody
 * else; or another kind of scheduler picked it, and its share here begins now.
 */
static void note_running(unsigned cpu, struct thread *current, uint64_t ran_ns)
{
    uint64_t virtual_ns = 0;
    if (current) {
        struct entity *entity = entity_of(current);
        bool is_new = entity->epoch != state.epoch;
        settle(current);
        refresh(current);
        if (is_new) { /* what it ran before is not charged here */
            entity->charged_ns += ran_ns;
            ran_ns = 0;
        }
        if (entity->home != cpu) {
            move_home(entity, cpu);
        }
        virtual_ns = entity->virtual_ns;
    }
    set_running(cpu, current, virtual_ns, time_now_ns() - ran_ns);
}

/*
 * Whether the only one who waits for cpu, of the default weight, is who runs next; `current`, like
 * it and such that no other CPU could have it, takes its place. Then there is nothing to weigh up.
 */
static bool change_places(unsigned cpu, struct thread *current, uint64_t now_ns,
                          struct thread **next)
{
    struct queue *queue = &state.queues[cpu];
    struct entity *entity = chain_first(&queue->waiting, struct entity, node);
    uint32_t mask = 1u << cpu;
    if (!entity || &entity->node != queue->waiting.last) {
        return false;
    }
    *next = thread_of(entity);
    if (!((*next)->cpu_mask & mask) || (*next)->weight != THREAD_WEIGHT_DEFAULT) {
        return false;
    }
    if (!current) {
        queue->waiting = (struct chain){};
        queue->waiting_weight = 0;
        queue->running_weight = THREAD_WEIGHT_DEFAULT;
        state.idle_mask &= ~mask;
    } else if (queue->running_id == current->id && entity_of(current)->mark != entity->mark &&
               current->weight == THREAD_WEIGHT_DEFAULT && current->cpu_mask & mask &&
               !(current->cpu_mask & state.idle_mask)) {
        struct entity *behind = entity_of(current);
        behind->virtual_ns += current->cpu_ns - behind->charged_ns;
        behind->charged_ns = current->cpu_ns;
        behind->mark = entity->mark;
        queue->waiting = (struct chain){&behind->node, &behind->node};
    } else {
        return false;
    }
    entity->mark = 0;
    queue->leaving_id = current ? current->id : 0;
    queue->running_id = (*next)->id;
    queue->running_virtual_ns = entity->virtual_ns;
    queue->running_since_ns = now_ns;
    return true;
}

/* As scheduler_pick(), in all other cases: not where the usual one would have to save registers. */
__attribute__((noinline)) static int weigh_up(unsigned cpu, struct thread *current, uint64_t now_ns,
                                              struct thread **next)
{
    struct queue *queue = &state.queues[cpu];
    if (current) {
        settle(current);
    }
    struct entity *entity = best_for(cpu);
    queue->leaving_id = 0;
    if (!entity && current) {
        note_running(cpu, current, 0);
        *next = current;
        return 0;
    }
    if (!entity) {
        if (queue->running_id) {
            raise_floor(queue, now_ns); /* to what who ran has had */
        }
        set_running(cpu, NULL, 0, 0);
        return -ENOENT;
    }
    *next = thread_of(entity);
    take_out(entity);
    if (entity->home != cpu) {
        raise_floor(&state.queues[entity->home], now_ns);
        raise_floor(queue, now_ns);
        move_home(entity, cpu);
    }
    raise_to(queue, entity->virtual_ns); /* to what the first has had, who runs now */
    set_running(cpu, *next, entity->virtual_ns, now_ns);
    return current && current != *next;
}

int scheduler_pick(unsigned cpu, struct thread *current, uint64_t now_ns, struct thread **next)
{
    int result = -ENOENT;
    if (cpu < CPU_MAX) {
        spin_acquire(&state.lock);
        result =
            change_places(cpu, current, now_ns, next) ? 0 : weigh_up(cpu, current, now_ns, next);
        spin_release(&state.lock);
    }
    return result;
}

int scheduler_remove(struct thread *thread)
{
    int result = -ENOENT;
    uint64_t daif = spin_lock(&state.lock);
    struct entity *entity = entity_of(thread);
    if (entity->mark == state.mark) {
        take_out(entity);
        result = 0;
    }
    spin_unlock(&state.lock, daif);
    return result;
}

/*
 * Whether who has run for ran_ns has had more than who waits for its CPU: by a while of its own, or
 * by so much that the other need not wait for that.
 */
static bool should_yield(unsigned cpu, uint64_t ran_ns)
{
    const struct queue *queue = &state.queues[cpu];
    const struct entity *waiting = first_for(cpu, cpu);
    uint64_t had_ns = queue->running_virtual_ns + to_virtual(ran_ns, queue->running_weight);
    uint64_t lead_ns = ran_ns >= GRANULARITY_NS ? 0 : GRANULARITY_NS;
    return waiting && is_before(waiting->virtual_ns + lead_ns, had_ns);
}

int scheduler_tick(unsigned cpu, struct thread *current, uint64_t ran_ns)
{
    if (cpu >= CPU_MAX) {
        return 0;
    }
    uint64_t daif = spin_lock(&state.lock);
    struct queue *queue = &state.queues[cpu];
    queue->leaving_id = 0;
    raise_floor(queue, time_now_ns());
    if (queue->running_id != (current ? current->id : 0)) {
        note_running(cpu, current, ran_ns);
    }
    int switch_now = current ? should_yield(cpu, ran_ns) : best_for(cpu) != NULL;
    spin_unlock(&state.lock, daif);
    return switch_now;
}

static void take_over(struct thread *thread)
{
    entity_of(thread)->mark = 0;
    /* A thread without a CPU cannot be runnable: the nucleus does not let it come about. */
    (void)enqueue_locked(thread);
}

/* In the rendezvous: what is in the words of threads is the predecessor's from here on. */
static int import(const void *data, size_t size)
{
    (void)data; /* the nucleus knows the threads; schedulers have nothing to tell one another */
    (void)size;
    uint64_t now_ns = time_now_ns();
    state = (struct sched_fair){.epoch = now_ns, .mark = now_ns + 1};
    thread_each_runnable(take_over);
    return 0; /* who runs where is not known: the next tick of each CPU says it */
}

/*
 * The nucleus knows who is runnable, and the words what each has had. A call that faulted, and is
 * made again, may have taken out somebody for good, or have left a queue half written.
 */
static int adopt(void)
{
    state.mark++;
    for (unsigned cpu = 0; cpu < CPU_MAX; cpu++) {
        state.queues[cpu].waiting = (struct chain){};
        state.queues[cpu].waiting_weight = 0;
    }
    thread_each_runnable(take_over);
    return 0;
}

COMPONENT(sched_fair, .version = VERSION(1, 0, 0), .summary = "Weighted fair scheduler",
          .adopt = adopt, .import = import);
