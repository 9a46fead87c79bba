# find_package(annulus [COMPONENTS channel ring pipe bus c]): targets annulus::ring and so on. They
# have no dependency outside annulus.
include(${CMAKE_CURRENT_LIST_DIR}/annulus-targets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/annulus_tests.cmake)

foreach(component IN LISTS annulus_FIND_COMPONENTS)
  if(TARGET annulus::${component})
    set(annulus_${component}_FOUND TRUE)
  else()
    set(annulus_${component}_FOUND FALSE)
    if(annulus_FIND_REQUIRED_${component})
      set(annulus_FOUND FALSE)
      set(annulus_NOT_FOUND_MESSAGE "annulus has no component '${component}' here: it has \
channel, ring, pipe and bus, and c if it was built")
    endif()
  endif()
endforeach()
