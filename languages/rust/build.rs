//! Links libannulus.so. ANNULUS_LIB_DIR says where it is, if the linker does not know.
fn main() {
    println!("cargo:rerun-if-env-changed=ANNULUS_LIB_DIR");
    if let Ok(folder) = std::env::var("ANNULUS_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
