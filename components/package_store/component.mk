# The same version built otherwise: to replace it while it is at work.
package_store-variants := rebuilt
package_store-rebuilt-cflags := -O1
package_store-lib := package_name
