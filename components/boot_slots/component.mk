# The environment and the tree's reader are part of the component, and SHA-256.
boot_slots-lib := crc environment message number
boot_slots-bearssl := hash/sha2small codec/dec32be codec/enc32be
# The same version built otherwise: to replace it in the middle of an update.
boot_slots-variants := rebuilt
boot_slots-rebuilt-cflags := -O1
