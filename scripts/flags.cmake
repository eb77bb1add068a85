# Compiler and linker flags that depend on the preset.

if(CONFAB_SANITIZE)
    add_compile_options(-fsanitize=${CONFAB_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CONFAB_SANITIZE})
endif()

# The fuzzer sees the branches of everything it links; only the targets in
# tests/fuzz link its main(), by -fsanitize=fuzzer.
if(CONFAB_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Never in a release: sabotage.h is then the constant false.
if(CONFAB_SABOTAGE)
    add_compile_definitions(CONFAB_SABOTAGE)
endif()

if(CONFAB_HARDEN)
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
        -fstack-protector-strong -fstack-clash-protection -fcf-protection
        -ftrivial-auto-var-init=zero -fPIE)
    add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
