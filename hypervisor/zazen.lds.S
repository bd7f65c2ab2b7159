/*
 * The image: linked at IMAGE_START + the address it is loaded at, each part
 * with its own rights on its own pages (x86/image.h).
 */
#include "x86/addrmap.h"

/* What they are for ends with the boot. */
#define LIBRARIES *liblzma.a:* *libzstd.a:*

ENTRY(boot_entry)

SECTIONS
{
    entry_area = ENTRY_AREA_START;
    . = IMAGE_START + IMAGE_LOAD;
    image_start = .;
    .text : {
        text_start = .;
        *(.multiboot)
        *(EXCLUDE_FILE(LIBRARIES) .text
          EXCLUDE_FILE(LIBRARIES) .text.*)
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
        *(EXCLUDE_FILE(LIBRARIES) .rodata
          EXCLUDE_FILE(LIBRARIES) .rodata.*)
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
        *libzstd.a:*(.text .text.*)
        . = ALIGN(4096);
        *(.init.page)
        *(.init.data .init.data.*)
        *liblzma.a:*(.rodata .rodata.* .data .data.*)
        *libzstd.a:*(.rodata .rodata.* .data .data.*)
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
