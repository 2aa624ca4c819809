/* SPDX-License-Identifier: MIT */
/*
 * nrpack, the packager: makes bundles of components, and what belongs to that. See usage[].
 * It is where laws 1 and 2 are enforced for the first time; the kernel's linker does it again.
 */

#include <stdio.h>
#include <string.h>

#include "nrpack.h"

static const char usage[] =
    "usage: nrpack pack (--interfaces DIR)... [--key KEY.pem] -o OUT.nrb OBJECT.o\n"
    "           check a component's object (with .BTF) and make a package of it, signed; of an\n"
    "           interface in several folders, each behind an --interfaces, the first counts\n"
    "       nrpack bundle [--key KEY.pem] -o OUT.nrb IN.nrb...\n"
    "           put several packages into one: they are swapped as one transaction\n"
    "       nrpack sign --key KEY.pem [-o OUT.nrb] FILE.nrb\n"
    "           sign a bundle, in place of the signature that it may have\n"
    "       nrpack verify --key KEY.pem FILE.nrb\n"
    "           check a bundle's signature, with a private or a public key\n"
    "       nrpack public KEY.pem\n"
    "           print the C source by which the nucleus knows the key\n"
    "       nrpack stub [--name NAME] HEADER.h...\n"
    "           print the C source whose object tells `pack` about an interface\n"
    "       nrpack exports HEADER.h...\n"
    "           print the C source by which the nucleus finds what components may use of it\n"
    "       nrpack show FILE.nrb\n"
    "           print what is in a bundle\n"
    "       nrpack diff OLD.nrb NEW.nrb\n"
    "           print what changed between two, declarations side by side; status 1 if anything "
    "did\n"
    "       nrpack symbols ELF\n"
    "           print a table of its functions as assembly, for backtraces\n"
    "       nrpack abi [--check DIR | --update DIR] STUB.o...\n"
    "           print what interfaces promise; or compare it with the snapshots of what has been\n"
    "           released, DIR/NAME-MAJOR.MINOR.abi; or write those that are missing\n"
    "Status: 0 done, 1 refused (or different), 2 wrong use or trouble with a file.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"pack", run_pack},     {"bundle", run_bundle},   {"sign", run_sign},
    {"verify", run_verify}, {"public", run_public},   {"stub", run_stub},
    {"show", run_show},     {"diff", run_diff},       {"symbols", run_symbols},
    {"abi", run_abi},       {"exports", run_exports},
};

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(usage, stdout);
            return STATUS_DONE;
        }
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = commands[i].run(argc - 1, argv + 1);
            if (status == STATUS_TROUBLE) {
                fputs(usage, stderr);
            }
            if (fflush(stdout) != 0 || ferror(stdout)) {
                die("cannot write to standard output");
            }
            return status;
        }
    }
    fputs(usage, stderr);
    return STATUS_TROUBLE;
}
