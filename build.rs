//! Compiles `proto/` for order-api: the stubs, and the descriptor set that reflection, transcoders
//! and tests read.
//!
//! protox is a protobuf compiler written in Rust, so that nobody has to install protoc.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// What `order_api::FILE_DESCRIPTOR_SET` includes.
const DESCRIPTOR_SET_FILE: &str = "descriptor_set.bin";

/// Directories of the packages that we answer, below `proto/`.
const CONTRACT_DIRS: [&str; 1] = ["orders/v1"];

/// Those of the packages that we ask. They get stubs and are no part of the descriptor set: nobody can call them here.
const NEIGHBOUR_DIRS: [&str; 1] = ["integrations/v1"];

/// Files that none of ours imports, but that the descriptor set has to hold: a transcoder answers a
/// rich error with an empty body if it does not know the messages of its details.
const ERROR_FILES: [&str; 2] = ["google/rpc/status.proto", "google/rpc/error_details.proto"];

/// Packages that only annotate or belong to the descriptor set: they get no Rust types.
const DESCRIPTOR_ONLY_PACKAGES: [&str; 2] = ["google.api", "google.rpc"];

#[expect(clippy::disallowed_methods, reason = "cargo hands a build script its directories in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let proto_dir = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../proto");
    println!("cargo:rerun-if-changed={}", proto_dir.display());

    let mut compiler = protox::Compiler::new([&proto_dir])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files(&proto_dir, &CONTRACT_DIRS)?)?;
    compiler.open_files(ERROR_FILES)?;

    // Encoded by protox itself: `FileDescriptorSet` as a prost type has no room for extensions, and
    // a set that went through it has lost every `google.api.http`. The stubs do not need them.
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join(DESCRIPTOR_SET_FILE), compiler.encode_file_descriptor_set())?;

    compiler.open_files(files(&proto_dir, &NEIGHBOUR_DIRS)?)?;
    let mut stubs = compiler.file_descriptor_set();
    stubs.file.retain(|file| !DESCRIPTOR_ONLY_PACKAGES.contains(&file.package()));
    tonic_prost_build::configure()
        // Hash maps encode in random order; request hashes and stored answers need one order.
        .btree_map(".")
        .compile_fds(stubs)?;
    Ok(())
}

/// Every file of some packages, relative to `proto/`, sorted so that builds are reproducible.
fn files(proto_dir: &Path, dirs: &[&str]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for dir in dirs {
        for entry in fs::read_dir(proto_dir.join(dir))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path.strip_prefix(proto_dir)?.to_path_buf());
            }
        }
    }
    files.sort();
    Ok(files)
}
