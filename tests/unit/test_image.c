/* SPDX-License-Identifier: MIT */
/* What `make sdcard` leaves in build/ is what it says, and comes out the same again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/image-XXXXXX";

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(setenv("T", folder, 1), 0);
}

static void end(void)
{
    cr_assert_eq(system("rm -rf $T"), 0);
}

TestSuite(image, .init = begin, .fini = end, .timeout = 120);

/* Runs a line in which $T is a folder of the test's own; its status. */
static int sh(const char *line)
{
    return system(line);
}

static void must(const char *line)
{
    cr_assert_eq(sh(line), 0, "%s", line);
}

Test(image, the_check_sums_are_those_of_all_files)
{
    must("cd build && sha256sum --quiet --strict -c neurath.sha256");
    must("test \"$(cut -c 67- build/neurath.sha256 | tr '\\n' ' ')\" = "
         "'neurath.img neurath.img.xz neurath.bmap neurath.manifest neurath.itb '");
}

Test(image, the_compressed_one_is_the_same)
{
    must("xz -dc build/neurath.img.xz | cmp - build/neurath.img");
}

Test(image, the_block_map_has_all_that_counts_and_its_check_sums)
{
    must("bmaptool -q copy --bmap build/neurath.bmap build/neurath.img.xz $T/copy.img");
    must("cmp build/neurath.img $T/copy.img");
    must("cp build/neurath.img $T/damaged.img");
    must("printf X | dd of=$T/damaged.img bs=1 seek=1100000 conv=notrunc 2>/dev/null");
    cr_assert_neq(sh("bmaptool -q copy --bmap build/neurath.bmap $T/damaged.img $T/copy.img "
                     "2>/dev/null"),
                  0, "a damaged image is as good");
}

Test(image, the_manifest_is_that_of_the_files_on_the_card)
{
    must("mkdir $T/card && mcopy -s -n -i build/neurath.img@@1M '::*' $T/card");
    must("cmp build/neurath.manifest $T/card/manifest.txt && rm $T/card/manifest.txt");
    must("sed '1,/^files/d' build/neurath.manifest >$T/sums");
    must("cd $T/card && sha256sum --quiet --strict -c $T/sums");
    must("test $(find $T/card -type f | wc -l) = $(wc -l <$T/sums)");
    must("cmp build/neurath.itb $T/card/slot-a/neurath.itb");
    must("cmp build/neurath.itb $T/card/slot-b/neurath.itb");
    must("sed '1,/^packages/d; /^$/,$d; s/^ *//' build/neurath.manifest >$T/packages");
    must("ls $T/card/components | LC_ALL=C sort | cmp - $T/packages");
}

Test(image, the_manifest_says_what_it_was_made_with)
{
    must("grep -q \"^dtc  *$(dtc --version | sed 's/.* //')$\" build/neurath.manifest");
    must("grep -q \"^mkimage  *$(mkimage -V | sed 's/.* //')$\" build/neurath.manifest");
    must("grep -q \"^genimage  *$(genimage --version)$\" build/neurath.manifest");
    must("grep -q '^configuration: [a-z]' build/neurath.manifest");
    /* The first 8 bytes of SHA-256 over the modulus: docs/signatures.md. */
    must("key=$(openssl x509 -in build/boot/keys/neurath.crt -noout -modulus | cut -d = -f 2 | "
         "perl -ne 'chomp; print pack(q(H*), $_)' | sha256sum | cut -c 1-16) && "
         "grep -qx \"signed by the key $key\" build/neurath.manifest");
}

/* Of the same files, found in another order, on another day. */
Test(image, the_card_comes_out_the_same_again)
{
    must("mkdir $T/card $T/out && cd build/card && find . -type f | sort -r | "
         "tar -c -T - | tar -x -m -C $T/card");
    must("find $T/card -exec touch -d @$(cat build/boot/date) {} +");
    must("SOURCE_DATE_EPOCH=$(cat build/boot/date) TZ=UTC genimage --config images/card.cfg "
         "--rootpath $T/card --tmppath $T/tmp --inputpath build --outputpath $T/out "
         "--loglevel 1 2>$T/log");
    must("cmp build/neurath.img $T/out/neurath.img");
}
