#!/bin/sh
# Stands in for the compiler, under its name and before it on the PATH. Of the wanted objects the syntax is checked,
# and an object without code satisfies make; everything else is compiled. The command that make records stays the same.
compiler=${0##*/}
PATH=${PATH#*:}
object=
previous=
for word do
	if [ "$previous" = -o ]; then
		object=$word
	fi
	previous=$word
done
if [ -z "$object" ] || ! grep -qxF -e "${object#/build/output/}" /build/wanted; then
	exec "$compiler" "$@"
fi
"$compiler" "$@" -fsyntax-only && printf '' | "$compiler" -c -x assembler -o "$object" -
