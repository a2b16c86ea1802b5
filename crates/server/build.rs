//! Puts the web console into the program when it has been built
//! (`web/dist`, by `npm run build`). Without it the program builds all the
//! same and serves a page that says how to get the console.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web/dist");
    // Cargo takes a watched path that is missing as changed, every time, and
    // would rebuild for ever; an empty directory (ignored by git) costs
    // nothing. Where it cannot be made, only time is lost.
    let _ = fs::create_dir_all(&dist);
    println!("cargo::rerun-if-changed={}", dist.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut table = String::from("static FILES: &[File] = &[\n");
    let mut files = Vec::new();
    collect(&dist, &dist, &mut files)?;
    files.sort();
    for (index, (path, source)) in files.iter().enumerate() {
        let (stored, gzip) = store(source, &out.join(format!("console-{index}")))?;
        let _ = writeln!(
            table,
            "    File {{ path: {path:?}, gzip: {gzip}, bytes: include_bytes!({stored:?}) }},"
        );
    }
    table.push_str("];\n");
    fs::write(out.join("console.rs"), table)
}

/// Path in the console, path on disk.
fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().replace('\\', "/"), path));
        }
    }
    Ok(())
}

/// Compresses what gets smaller by it. Returns the stored file and whether it
/// is compressed.
fn store(source: &Path, target: &Path) -> io::Result<(PathBuf, bool)> {
    let plain = fs::read(source)?;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&plain)?;
    let packed = encoder.finish()?;
    let gzip = packed.len() < plain.len() * 9 / 10;
    fs::write(target, if gzip { packed } else { plain })?;
    Ok((target.to_owned(), gzip))
}
