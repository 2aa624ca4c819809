# The same version built otherwise: to replace it in the middle of use.
dma-variants := rebuilt
dma-rebuilt-cflags := -O1
dma-lib := number
