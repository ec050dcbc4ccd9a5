#!/usr/bin/env python3
"""Write a program as a C array: helper_blob.py PROGRAM OUTPUT.

An array instead of .incbin, so that every compiler, link-time optimisation and cross building see
nothing but C.
"""

import sys


def main():
    data = open(sys.argv[1], "rb").read()
    with open(sys.argv[2], "w") as out:
        out.write('#include "local/linux/helper_blob.h"\n\n')
        out.write("const unsigned char ctrd__helper_blob[] = {\n")
        for at in range(0, len(data), 24):
            out.write(",".join(str(byte) for byte in data[at:at + 24]) + ",\n")
        out.write("};\n")
        out.write(f"const size_t ctrd__helper_blob_size = {len(data)};\n")


main()
