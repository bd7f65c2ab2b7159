/*
 * The image: linked at IMAGE_START + the address it is loaded at, each part
 * with its own rights on its own pages (x86/image.h).
 */
#include "x86/addrmap.h"

ENTRY(boot_entry)

SECTIONS
{
    entry_area = ENTRY_AREA_START;
    . = IMAGE_START + IMAGE_LOAD;
    image_start = .;
    .text : {
        text_start = .;
        *(.multiboot)
        *(EXCLUDE_FILE(*liblzma.a:*) .text
          EXCLUDE_FILE(*liblzma.a:*) .text.*)
        text_end = .;
    }
    . = ALIGN(4096);
    .entry.text : {
        entry_text_start = .;
        *(.entry.text)
        . = ALIGN(4096);
        entry_text_end = .;
    }
    .rodata : {
        rodata_start = .;
        *(EXCLUDE_FILE(*liblzma.a:*) .rodata
          EXCLUDE_FILE(*liblzma.a:*) .rodata.*)
        . = ALIGN(8);
        *(.got .got.plt)
        *(.symbols)
    }
    .extable : {
        extable_start = .;
        *(.extable)
        extable_end = .;
        . = ALIGN(4096);
        rodata_end = .;
    }
    .init : {
        init_start = .;
        *(.init.text .init.text.*)
        *liblzma.a:*(.text .text.*)
        . = ALIGN(4096);
        *(.init.page)
        *(.init.data .init.data.*)
        *liblzma.a:*(.rodata .rodata.*)
        *liblzma.a:*(.data .data.* .data.rel.ro .data.rel.ro.*)
        . = ALIGN(8);
        init_array_start = .;
        KEEP(*(.init_array .init_array.*))
        init_array_end = .;
        . = ALIGN(4096);
        init_end = .;
    }
    .data : {
        data_start = .;
        *(.data .data.*)
    }
    image_load_end = ALIGN(8);
    .bss : {
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        image_end = .;
    }
    /DISCARD/ : {
        *(.comment .note .note.* .eh_frame .eh_frame_hdr .interp .dynamic)
    }
}
