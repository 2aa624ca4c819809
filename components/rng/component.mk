# The same version built otherwise: to replace it in the middle of use.
rng-variants := rebuilt
rng-rebuilt-cflags := -O1
