/* SPDX-License-Identifier: MIT */
/*
 * Images: from a package's bytes to code that can run.
 */
#include "image.h"

#include <errno.h>
#include <string.h>

static struct image *images; /* all, for backtraces */

static size_t pages_of(size_t bytes)
{
    return ALIGN_UP(bytes, PAGE_BYTES) / PAGE_BYTES;
}

/* Whether this may become code here. Of what is unsigned nothing is known, not even by whom. */
static int check_signature(const void *data, size_t bytes, struct why *why)
{
    int result = signature_verify(data, bytes, &signature_trusted_key, why);
    if (result == -EPERM && !IS_ENABLED(CONFIG_SIGNATURE_REQUIRED)) {
        log_warning("an unsigned bundle of %zu bytes is let in", bytes);
        return 0;
    }
    return result;
}

int blob_create(const void *data, size_t bytes, bool is_ours, struct blob **blob, struct why *why)
{
    if (!bytes || bytes > BUNDLE_SIZE_MAX) {
        return why_set(why, -EINVAL, "a package of %zu bytes cannot be", bytes);
    }
    struct blob *made = page_allocate_owned(pages_of(sizeof(*made) + (is_ours ? 0 : bytes)), NULL);
    if (!made) {
        return why_set(why, -ENOMEM, "no memory for a package of %zu bytes", bytes);
    }
    made->uses = 1;
    data = is_ours ? data : memcpy(made->copy, data, bytes);
    int result = check_signature(data, bytes, why);
    if (result == 0) {
        result = bundle_open(&made->bundle, data, bytes, NEURATH_ABI, why);
    }
    if (result < 0) {
        page_free(made);
        return result;
    }
    *blob = made;
    return 0;
}

void blob_unuse(struct blob *blob)
{
    if (blob && __atomic_sub_fetch(&blob->uses, 1, __ATOMIC_ACQ_REL) == 0) {
        page_free(blob);
    }
}

void blob_use(struct blob *blob)
{
    __atomic_add_fetch(&blob->uses, 1, __ATOMIC_RELAXED);
}

/* The gate that the image uses for a symbol of an owner; -ENOENT: none. */
static int find_gate(const struct image *image, const struct component *owner, const char *name)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        const struct gate *gate = gate_at(image->gates[i]);
        if (gate->owner == owner && !strcmp(gate->name, name)) {
            return image->gates[i];
        }
    }
    return -ENOENT;
}

bool image_provides_method(const struct image *image, const char *name)
{
    for (uint32_t i = 0; i < image->provided; i++) {
        if (!strcmp(gate_at(image->gates[i])->name, name)) {
            return true;
        }
    }
    return false;
}

static int use_gate(struct image *image, struct component *owner, const char *name, uint64_t hash,
                    struct why *why)
{
    int index = image->gate_count < image->gate_room ? gate_use(owner, name, hash) : -ENOSPC;
    if (index < 0) {
        return why_set(why, index, "no gate for %s: %s", name,
                       index == -ENAMETOOLONG ? "its name is too long"
                       : index == -EINVAL     ? "it has no name"
                                              : "CONFIG_GATES of them are in use");
    }
    image->gates[image->gate_count++] = (uint16_t)index;
    return 0;
}

struct gate_request {
    struct image *image;
    struct why *why;
};

/* An own function whose address is taken: the interface's gate when it is one of those. */
static int use_own_gate(void *context, const struct link_function *function)
{
    struct gate_request *request = context;
    struct image *image = request->image;
    struct descriptor_method described;
    if (image_provides_method(image, function->name)) {
        return 0;
    }
    if (!descriptor_find_method(image->descriptor.gates, function->name, &described)) {
        return why_set(request->why, -EPROTO,
                       "the address of %s is taken, of which the descriptor does not tell",
                       function->name);
    }
    if (find_gate(image, image->component, function->name) >= 0) {
        return why_set(request->why, -EEXIST, "the addresses of two functions named %s are taken",
                       function->name);
    }
    return use_gate(image, image->component, function->name, described.hash, request->why);
}

/* The gates of all methods under a node of the descriptor. */
static int use_interface_gates(struct image *image, int node, struct why *why)
{
    struct descriptor_interface interface;
    struct descriptor_method method;
    for (int cursor = 0;
         descriptor_next_interface(&image->blob->bundle, node, &cursor, &interface);) {
        if (!strcmp(interface.name, "nucleus")) {
            continue;
        }
        while (descriptor_next_method(&interface.methods, &method)) {
            int result = use_gate(image, NULL, method.name, method.hash, why);
            if (result < 0) {
                return result;
            }
        }
    }
    return 0;
}

static int use_gates(struct image *image, struct why *why)
{
    struct gate_request request = {image, why};
    int result = use_interface_gates(image, image->descriptor.provides, why);
    image->provided = image->gate_count;
    if (result == 0) {
        result = use_interface_gates(image, image->descriptor.needs, why);
    }
    if (result == 0) {
        result = link_each_gate(&image->elf, &image->layout, use_own_gate, &request, why);
    }
    return result;
}

static int check_layout(struct image *image, struct why *why)
{
    const struct link_layout *layout = &image->layout;
    enum link_region region;
    uint32_t offset, size;
    if (layout->region[LINK_STATE].size != image->descriptor.state_size) {
        return why_set(why, -EPROTO, "%s: descriptor says %u bytes of state, the object has %u",
                       image->descriptor.name, image->descriptor.state_size,
                       layout->region[LINK_STATE].size);
    }
    if (!layout->region[LINK_TEXT].size ||
        link_section(&image->elf, layout, ".rodata.component", &region, &offset, &size) < 0 ||
        region != LINK_RODATA || size < sizeof(struct component_ops)) {
        return why_set(why, -EPROTO, "%s: the object has no COMPONENT record",
                       image->descriptor.name);
    }
    return 0;
}

int image_create(struct component *component, struct blob *blob,
                 const struct component_descriptor *descriptor, struct image **created,
                 struct why *why)
{
    struct elf elf;
    int result = elf_open(&elf, descriptor->elf, descriptor->elf_size, why);
    if (result < 0) {
        return result;
    }
    size_t scratch = ALIGN_UP(link_scratch_bytes(&elf), 8);
    struct image measured = {.blob = blob, .descriptor = *descriptor};
    uint32_t gate_room = descriptor_count_methods(&blob->bundle, descriptor->provides) +
                         descriptor_count_methods(&blob->bundle, descriptor->needs) +
                         descriptor->gates.count;
    struct image *image = page_allocate_owned(
        pages_of(sizeof(*image) + scratch + gate_room * sizeof(*image->gates)), NULL);
    if (!image) {
        return why_set(why, -ENOMEM, "no memory for the tables of %s", descriptor->name);
    }
    *image = measured;
    image->component = component;
    image->elf = elf;
    image->gate_room = gate_room;
    image->gates = (uint16_t *)((char *)image->scratch + scratch);
    image->build = bundle_build_number(descriptor->build);
    blob_use(blob);
    image->next = images;
    images = image;
    *created = image;
    result = link_measure(&image->elf, image->scratch, scratch, &image->layout, why);
    if (result == 0) {
        result = check_layout(image, why);
    }
    if (result == 0) {
        image->text_pages = pages_of(image->layout.region[LINK_TEXT].size);
        image->rodata_pages = pages_of(image->layout.region[LINK_RODATA].size);
        image->text = arena_allocate(image->text_pages + image->rodata_pages, component);
        image->rodata = image->text + image->text_pages * PAGE_BYTES;
        result = image->text ? use_gates(image, why)
                             : why_set(why, -ENOMEM,
                                       "no room for %zu pages in the arena (CONFIG_ARENA_KIB)",
                                       image->text_pages + image->rodata_pages);
    }
    if (result < 0) {
        image_destroy(image);
    }
    return result;
}

/* What an object does not define: the component's record, the nucleus's, or an interface's gate. */
static int resolve(void *context, const char *name, uint64_t *address, struct why *why)
{
    const struct image *image = context;
    if (!strcmp(name, "component_self")) {
        *address = (uint64_t)image->component;
        return 0;
    }
    *address = resolve_export(name);
    if (*address) {
        return 0;
    }
    int gate = find_gate(image, NULL, name);
    if (gate < 0) {
        return why_set(why, -ENOENT, "%s uses %s, which neither the nucleus nor an interface has",
                       image->descriptor.name, name);
    }
    *address = gate_address(gate);
    return 0;
}

static int own_gate(void *context, const struct link_function *function, uint64_t *address,
                    struct why *why)
{
    const struct image *image = context;
    if (image->is_plain) {
        *address = (uint64_t)image->text + function->offset;
        return 0;
    }
    bool is_method = image_provides_method(image, function->name);
    int gate = find_gate(image, is_method ? NULL : image->component, function->name);
    if (gate < 0) {
        return why_set(why, gate, "%s has no gate", function->name);
    }
    *address = gate_address(gate);
    return 0;
}

/* Links for where the image runs, writing its code and constants to `write`; NULL: not its state.
 */
static int link_into(struct image *image, char *write, void *state, void *write_state,
                     struct why *why)
{
    struct link_target target = {
        .region[LINK_TEXT] = {(uint64_t)image->text, write},
        .region[LINK_RODATA] = {(uint64_t)image->rodata, write + image->text_pages * PAGE_BYTES},
        .region[LINK_STATE] = {(uint64_t)state, write_state},
        .context = image,
        .resolve = resolve,
        .gate = own_gate,
    };
    return link_apply(&image->elf, &image->layout, &target, why);
}

/* Whether an address is the gate of a function of its own, or of an interface it provides. */
static bool is_own_gate(const struct image *image, uint64_t address)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        const struct gate *gate = gate_at(image->gates[i]);
        if (gate_address(image->gates[i]) == address) {
            return i < image->provided || gate->owner == image->component;
        }
    }
    return false;
}

/* A text must lie among its constants, up to its end, before it is looked at. */
static bool is_own_text(const struct image *image, const char *text, const char *expected)
{
    size_t bytes = image->layout.region[LINK_RODATA].size, length = strlen(expected) + 1;
    uint64_t offset = (uint64_t)text - (uint64_t)image->rodata;
    return offset < bytes && length <= bytes - offset && !memcmp(text, expected, length);
}

/* The hooks of a linked image's record. */
#define HOOK_COUNT 7
static void list_hooks(const struct image *image, uint64_t hooks[HOOK_COUNT])
{
    const struct component_ops *ops = image->ops;
    hooks[0] = (uint64_t)ops->start;
    hooks[1] = (uint64_t)ops->adopt;
    hooks[2] = (uint64_t)ops->health;
    hooks[3] = (uint64_t)ops->stop;
    hooks[4] = (uint64_t)ops->export;
    hooks[5] = (uint64_t)ops->import;
    hooks[6] = (uint64_t)ops->migrate;
}

/* The record is the package's word on what it is and where it is entered: it is not believed. */
static int check_record(const struct image *image, struct why *why)
{
    const struct component_ops *ops = image->ops;
    const char *name = image->descriptor.name;
    uint64_t hooks[HOOK_COUNT];
    if (ops->magic != COMPONENT_MAGIC || ops->abi != NEURATH_ABI) {
        return why_set(why, -ENOEXEC, "%s was built for ABI %u, this is %u", name, ops->abi,
                       NEURATH_ABI);
    }
    if (!is_own_text(image, ops->name, name) || ops->version != image->descriptor.version ||
        ops->oldest != image->descriptor.oldest) {
        return why_set(why, -EPROTO,
                       "%s: the object's record has another name or version than its descriptor",
                       name);
    }
    list_hooks(image, hooks);
    for (unsigned i = 0; i < HOOK_COUNT; i++) {
        if (hooks[i] && !image->is_plain && !is_own_gate(image, hooks[i])) {
            return why_set(why, -EPERM, "%s: hook %u of its record is no function of its own", name,
                           i);
        }
    }
    return 0;
}

static int note_site(void *context, uint32_t offset, uint64_t address)
{
    struct image *image = context;
    int gate = gate_index_of(address);
    if (gate >= 0 && image->sites) {
        image->sites[image->site_count] = (struct call_site){offset, (uint32_t)gate};
    }
    image->site_count += gate >= 0;
    return 0;
}

/* Counts, then notes the branches to gates of an image that was linked. */
static int note_sites(struct image *image, struct why *why)
{
    int result = link_each_call(&image->elf, &image->layout, note_site, image, why);
    size_t bytes = image->site_count * sizeof(*image->sites);
    image->site_count = 0;
    if (result < 0 || !bytes) {
        return result;
    }
    image->sites = page_allocate_owned(pages_of(bytes), NULL);
    return image->sites
               ? link_each_call(&image->elf, &image->layout, note_site, image, why)
               : why_set(why, -ENOMEM, "no memory for the calls of %s", image->descriptor.name);
}

int image_link(struct image *image, void *state, bool write_state, struct why *why)
{
    size_t pages = image->text_pages + image->rodata_pages;
    char *window = area_map(kernel_image_pa(image->text), pages, MMU_READ_WRITE, 1);
    if (!window) {
        return why_set(why, -ENOMEM, "no room to map %s while it is written",
                       image->descriptor.name);
    }
    memset(window, 0, pages * PAGE_BYTES);
    int result = link_into(image, window, state, write_state ? state : NULL, why);
    area_unmap(window, pages, 1);
    if (result == 0 && IS_ENABLED(CONFIG_GATE_DIRECT) && !image->is_plain) {
        result = note_sites(image, why);
    }
    if (result < 0) {
        return result;
    }
    if (mmu_map((uint64_t)image->text, kernel_image_pa(image->text), image->text_pages,
                MMU_READ_EXECUTE) < 0 ||
        mmu_map((uint64_t)image->rodata, kernel_image_pa(image->rodata), image->rodata_pages,
                MMU_READ_ONLY) < 0) {
        panic("the arena's tables are static, and fail");
    }
    cache_sync_code(image->text, image->text_pages * PAGE_BYTES);
    enum link_region region;
    uint32_t offset, size;
    (void)link_section(&image->elf, &image->layout, ".rodata.component", &region, &offset, &size);
    image->ops = (const struct component_ops *)(image->rodata + offset);
    int checked = check_record(image, why);
    if (checked < 0) {
        return checked;
    }
    image->state = state;
    image_changed();
    return 0;
}

bool image_uses_gate(const struct image *image, int gate)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        if (image->gates[i] == gate) {
            return true;
        }
    }
    return false;
}

bool image_is_hook(const struct image *image, int gate)
{
    uint64_t hooks[HOOK_COUNT];
    list_hooks(image, hooks);
    for (unsigned i = 0; i < HOOK_COUNT; i++) {
        if (hooks[i] == gate_address(gate)) {
            return true;
        }
    }
    return false;
}

void image_write_state(struct image *image, void *state, size_t bytes, void *aside)
{
    /* The linker writes all regions: those that are there already go into a copy to throw away. */
    struct why why;
    memset(state, 0, bytes);
    if (link_into(image, aside, state, state, &why) < 0) {
        panic("%s was linked once, and cannot be again: %s", image->descriptor.name, why.text);
    }
}

void image_destroy(struct image *image)
{
    struct image **link = &images;
    while (*link != image) {
        link = &(*link)->next;
    }
    *link = image->next;
    image_changed();
    if (image->ops) {
        mmu_unmap((uint64_t)image->text, image->text_pages + image->rodata_pages);
    }
    arena_free(image->text, image->text_pages + image->rodata_pages);
    while (image->gate_count) {
        gate_unuse(image->gates[--image->gate_count]);
    }
    blob_unuse(image->blob);
    page_free(image->sites);
    page_free(image);
}

struct image *image_next(const struct image *image)
{
    return image ? image->next : images;
}

__attribute__((noinline)) void image_changed(void)
{
    asm volatile(""); /* or the calls would be left out */
}

uint64_t image_find_symbol(const struct image *image, const char *name)
{
    enum link_region region;
    uint32_t offset;
    if (link_symbol(&image->elf, &image->layout, name, &region, &offset, NULL) < 0 ||
        region != LINK_TEXT) {
        return 0;
    }
    return (uint64_t)image->text + offset;
}

bool image_contains(const struct image *image, uint64_t pc)
{
    return pc - (uint64_t)image->text < image->text_pages * PAGE_BYTES;
}

const char *image_find_function(uint64_t pc, const char **component, uint64_t *offset)
{
    for (const struct image *image = images; image; image = image->next) {
        if (image->text && image_contains(image, pc)) {
            uint32_t place = (uint32_t)(pc - (uint64_t)image->text);
            const struct link_function *function = link_function_at(&image->layout, place);
            if (!function) {
                return NULL;
            }
            *component = image->descriptor.name;
            *offset = place - function->offset;
            return function->name;
        }
    }
    return NULL;
}

int image_each_entry(const struct image *image,
                     int (*each)(void *argument, int gate, uint64_t target), void *argument)
{
    for (uint32_t i = 0; i < image->gate_count; i++) {
        const struct gate *gate = gate_at(image->gates[i]);
        if (i >= image->provided && gate->owner != image->component) {
            continue; /* only needed */
        }
        uint64_t target = image_find_symbol(image, gate->name);
        if (!target) {
            return -ENOENT;
        }
        int result = each(argument, image->gates[i], target);
        if (result < 0) {
            return result;
        }
    }
    return 0;
}
