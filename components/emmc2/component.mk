# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
emmc2-variants := rebuilt locked
emmc2-rebuilt-cflags := -O1
# Takes every card for protected by the slot's switch, which QEMU's model does not have.
emmc2-locked-cflags := -DPRESENT_WRITE_ENABLED=0
