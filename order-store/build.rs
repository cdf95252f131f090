//! Has the migrations embedded anew when one is added or changed: they are no source files, so that cargo would not know.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
