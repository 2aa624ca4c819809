# The same version built otherwise: to replace code by code that differs in nothing but its bytes.
evolve-variants := rebuilt
evolve-rebuilt-cflags := -O1
evolve-lib := plan declaration package_name
