partition-lib := crc
# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
partition-variants := rebuilt
partition-rebuilt-cflags := -O1
