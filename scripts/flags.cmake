# Compiler and linker flags that depend on the preset.

if(CONFAB_SANITIZE)
    add_compile_options(-fsanitize=${CONFAB_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CONFAB_SANITIZE})
endif()

if(CONFAB_HARDEN)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
        -fstack-protector-strong -fstack-clash-protection -fcf-protection
        -ftrivial-auto-var-init=zero -fPIE)
    add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
