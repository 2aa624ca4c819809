# SPDX-License-Identifier: MIT
#
# Gives gdb the symbols of the components that a machine has loaded, each where it was loaded, and
# keeps them right while components are replaced. Used by `make gdb`; by hand, from the repository's
# root, once gdb has build/neurath.elf and is connected:
#
#     (gdb) source images/gdb.py
#     (gdb) break counter_increment      moves along when counter is replaced
#     (gdb) info components              what is loaded, where, and from which object
#
# "step" does not enter another component, since the gate between has no lines: break there.
#
# The nucleus's list of images says what is there. An image's object with debug information is the
# one beside the package of the same build id; its sections are where the image's layout says.

import glob
import os
import re
import subprocess

import gdb

PACKAGES = ("build/components/*/package.nrb", "build/fixtures/*/package.nrb")
NRPACK = "build/tools/nrpack"


def find_object(name, build):
    """The object of the build whose id begins with these 32 bits, or None."""
    for package in (path for pattern in PACKAGES for path in glob.glob(pattern)):
        candidate = os.path.join(os.path.dirname(package), name + ".o")
        if os.path.exists(candidate):
            shown = subprocess.run([NRPACK, "show", package], capture_output=True, text=True)
            if re.search(r"\bbuild %08x" % build, shown.stdout):
                return os.path.abspath(candidate)
    return None


def version_text(version):
    return "%d.%d.%d" % (version >> 24, version >> 12 & 0xFFF, version & 0xFFF)


class Image:
    """One linked image, as the nucleus's struct image has it."""

    def __init__(self, value):
        descriptor = value["descriptor"]
        self.name = descriptor["name"].string()
        self.version = version_text(int(descriptor["version"]))
        self.build = int(value["build"])
        self.text = int(value["text"])
        # In the order of enum link_region.
        self.regions = (self.text, int(value["rodata"]), int(value["state"]))

    def key(self):
        return (self.name, self.build) + self.regions

    def sections(self, value):
        """Names and addresses of the sections that were loaded."""
        elf, placements = value["elf"], value["layout"]["placements"]
        for index in range(1, int(elf["section_count"])):
            section, region = elf["sections"][index], int(placements[index]["region"])
            if region < len(self.regions) and int(section["size"]) > 0:
                name = (elf["section_names"] + int(section["name"])).string()
                yield name, self.regions[region] + int(placements[index]["offset"])

    def load(self, value):
        self.object = find_object(self.name, self.build)
        if not self.object:
            print("%s %s: no object of build %08x" % (self.name, self.version, self.build))
            return
        places = " ".join("-s %s 0x%x" % place for place in self.sections(value))
        gdb.execute("add-symbol-file %s %s" % (self.object, places), to_string=True)

    def unload(self):
        if self.object:
            gdb.execute("remove-symbol-file -a 0x%x" % self.text, to_string=True)


loaded = {}  # by key


def read_images():
    """All that are linked, with the values to read more from. None before the nucleus runs."""
    images = {}
    try:
        value = gdb.parse_and_eval("'image.c'::images")
        while int(value):
            if int(value["ops"]):
                image = Image(value)
                images[image.key()] = (image, value)
            value = value["next"]
    except gdb.MemoryError:
        pass
    return images


def refresh():
    images = read_images()
    was_asking = gdb.parameter("confirm")
    gdb.execute("set confirm off")
    try:
        for key in [key for key in loaded if key not in images]:
            loaded.pop(key).unload()
        for key, (image, value) in images.items():
            if key not in loaded:
                image.load(value)
                loaded[key] = image
    finally:
        gdb.execute("set confirm %s" % ("on" if was_asking else "off"))


gdb.execute("set breakpoint pending on")  # functions of what is not loaded yet


class ImageChanged(gdb.Breakpoint):
    """Met by the nucleus when an image comes or goes; does not stop the machine."""

    def __init__(self):
        super().__init__("image_changed", internal=True)
        self.silent = True

    def stop(self):
        refresh()
        return False


class InfoComponents(gdb.Command):
    """Lists the images of components that are loaded."""

    def __init__(self):
        super().__init__("info components", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        refresh()
        for image in loaded.values():
            path = os.path.relpath(image.object) if image.object else "no object of this build"
            print("%-16s %-8s %08x  0x%x  %s"
                  % (image.name, image.version, image.build, image.text, path))


ImageChanged()
InfoComponents()
refresh()
