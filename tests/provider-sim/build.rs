//! Makes a table of all fixtures, so that the simulator carries them and needs no folder at run time.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=fixtures");
    let root = fs::canonicalize("fixtures")?;
    let mut table = String::from("&[\n");
    for folder in sorted(&root)?.into_iter().filter(|path| path.is_dir()) {
        for file in sorted(&folder)? {
            let name = file
                .strip_prefix(&root)?
                .to_str()
                .ok_or("a file name is not UTF-8")?;
            let path = file.to_str().ok_or("a file name is not UTF-8")?;
            writeln!(table, "    ({name:?}, include_str!({path:?})),")?;
        }
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    fs::write(out.join("fixtures.rs"), table)?;
    Ok(())
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    Ok(paths)
}
