# 1.0.0: the version before, with the same state; rebuilt: another build of the present version;
# clang: the present version by another compiler.
counter-variants := 1.0.0 rebuilt clang
counter-1.0.0-cflags := -DCOUNTER_MINOR=0
counter-rebuilt-cflags := -O1 -DREBUILT=1
counter-clang-compiler := clang
