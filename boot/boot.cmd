# SPDX-License-Identifier: MIT
#
# What U-Boot does with the card: loads the packages of components/, then the FIT, and starts it.
# The build puts the packages' names in place of @PACKAGES@.
#
# The kernel learns of each package by a word of its command line, package=ADDRESS,SIZE. A
# package that cannot be read is named and left out: the kernel can do without it, and a user who
# sees it start can mend the card.

# RAM every board has, clear of the kernel, the device tree (QEMU: 0x08000000) and U-Boot itself.
fit_addr=10000000
next_addr=14000000

setenv bootargs
for name in @PACKAGES@; do
    if load mmc 0:1 ${next_addr} components/${name}; then
        setenv bootargs "${bootargs} package=0x${next_addr},0x${filesize}"
        # on to the next free page
        setexpr next_addr ${next_addr} + ${filesize}
        setexpr next_addr ${next_addr} + 0xfff
        setexpr next_addr ${next_addr} \& 0xfffff000
    else
        echo "boot: components/${name} cannot be read, going on without it"
    fi
done

# Leave the bundle where it was loaded, but move the device tree to where it has room to grow.
setenv initrd_high 0xffffffffffffffff
setenv fdt_high
if load mmc 0:1 ${fit_addr} neurath.itb; then
    if test -n "${fdt_addr}"; then
        bootm ${fit_addr}#neurath ${fit_addr} ${fdt_addr}
    else
        bootm ${fit_addr}#own-tree
    fi
    echo "boot: neurath.itb cannot be started"
else
    echo "boot: neurath.itb cannot be read"
fi
