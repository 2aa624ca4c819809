# The same version built otherwise: to replace it in the middle of use.
i2c-variants := rebuilt
i2c-rebuilt-cflags := -O1
i2c-lib := number
