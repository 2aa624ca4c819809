# The environment and the tree's reader are part of the component, and SHA-256.
boot_slots-lib := crc environment message number
boot_slots-bearssl := hash/sha2small codec/dec32be codec/enc32be
# The same version built otherwise: to replace it in the middle of an update. impatient: finds no
# system good, and says so soon.
boot_slots-variants := rebuilt impatient
boot_slots-rebuilt-cflags := -O1
boot_slots-impatient-cflags := -DPATIENCE_S=8
