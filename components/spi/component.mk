# The same version built otherwise: to replace it in the middle of use.
spi-variants := rebuilt
spi-rebuilt-cflags := -O1
spi-lib := number
