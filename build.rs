//! Lets the program find libduckdb without `LD_LIBRARY_PATH`: beside the binary, in `../lib`, or where it was linked from.

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let origin = if cfg!(target_os = "macos") { "@loader_path" } else { "$ORIGIN" };
    let mut folders = vec![origin.to_owned(), format!("{origin}/../lib")];
    folders.extend(std::env::var("DUCKDB_LIB_DIR").ok());
    for folder in folders {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
