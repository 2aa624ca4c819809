# The same version built otherwise: to replace it in the middle of use.
thermal-variants := rebuilt
thermal-rebuilt-cflags := -O1
