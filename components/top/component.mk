# The same version built otherwise: to replace it while its picture is shown.
top-variants := rebuilt
top-rebuilt-cflags := -O1
