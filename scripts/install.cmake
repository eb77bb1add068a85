# What `cmake --install` puts where. With --prefix P: P/bin, P/share/man,
# P/share/doc/confab, P/share/confab (sample configuration),
# P/lib/systemd/system, P/share/bash-completion and the like.

foreach(program confabd confab confab-load)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    endif()
endforeach()

foreach(section 1 5 7 8)
    file(GLOB pages CONFIGURE_DEPENDS
        ${CMAKE_CURRENT_SOURCE_DIR}/man/*.${section})
    if(pages)
        install(FILES ${pages}
            DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endif()
endforeach()

# The prefix of `cmake --install --prefix` is known at install time only, so
# the unit is written then; it must name the program by its full path.
install(CODE "
    get_filename_component(prefix \"\${CMAKE_INSTALL_PREFIX}\" ABSOLUTE)
    set(CMAKE_INSTALL_FULL_BINDIR \"\${prefix}/${CMAKE_INSTALL_BINDIR}\")
    configure_file(
        \"${CMAKE_CURRENT_SOURCE_DIR}/server/confabd.service.in\"
        \"${CMAKE_CURRENT_BINARY_DIR}/confabd.service\" @ONLY)
")
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/confabd.service
    DESTINATION lib/systemd/system)
install(FILES server/confabd.conf.sample
    DESTINATION ${CMAKE_INSTALL_DATADIR}/confab)
foreach(document README.md ARCHITECTURE.md CHANGELOG.md LICENSE)
    if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${document})
        install(FILES ${document} DESTINATION ${CMAKE_INSTALL_DOCDIR})
    endif()
endforeach()

# Completions come out of the programs themselves. One that knows no shell yet,
# or cannot run here (built for another machine), installs none.
foreach(program confab confab-load)
    if(NOT TARGET ${program})
        continue()
    endif()
    install(CODE "
        set(made \"${CMAKE_CURRENT_BINARY_DIR}/completion\")
        set(share \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}\")
        foreach(row bash:bash-completion/completions:${program}
                zsh:zsh/site-functions:_${program}
                fish:fish/vendor_completions.d:${program}.fish)
            string(REPLACE \":\" \";\" row \${row})
            list(GET row 0 shell)
            list(GET row 1 folder)
            list(GET row 2 name)
            execute_process(
                COMMAND \"${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${program}\"
                    completion \${shell}
                OUTPUT_VARIABLE text ERROR_QUIET RESULT_VARIABLE code)
            if(code STREQUAL \"0\" AND NOT text STREQUAL \"\")
                file(WRITE \"\${made}/\${name}\" \"\${text}\")
                file(INSTALL \"\${made}/\${name}\"
                    DESTINATION \"\${share}/\${folder}\")
            endif()
        endforeach()
    ")
endforeach()
