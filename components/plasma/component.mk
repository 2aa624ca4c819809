# 2.0.0: the same state, another picture. rebuilt: the same version built otherwise.
plasma-variants := 2.0.0 rebuilt
plasma-2.0.0-cflags := -DPLASMA_MAJOR=2
plasma-rebuilt-cflags := -O1
