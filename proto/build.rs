//! Compiles the `.proto` files without protoc, keeps their comments for reflection, and writes a
//! `Debug` that does not print for every message with a `debug_redact` field (prost ignores that
//! option).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, error, fs};

use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor, Value};
use protox::Compiler;

fn main() -> Result<(), Box<dyn error::Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let files = proto_files(Path::new("keyway"))?;
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    let mut compiler = Compiler::new(["."])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?;
    let encoded = compiler.encode_file_descriptor_set();
    fs::write(out.join("keyway.bin"), &encoded)?;

    let pool = DescriptorPool::decode(encoded.as_slice())?;
    let secret = secret_messages(&pool)?;
    fs::write(out.join("redact.rs"), redacting_debug(&secret)?)?;
    fs::write(out.join("rpcs.rs"), rpcs(&pool)?)?;
    tonic_prost_build::configure()
        .skip_debug(
            secret
                .iter()
                .map(|(message, _)| message.full_name().to_owned()),
        )
        .compile_fds(prost_types(&encoded)?)?;
    Ok(())
}

fn prost_types(encoded: &[u8]) -> Result<tonic_prost_build::FileDescriptorSet, prost::DecodeError> {
    tonic_prost_build::FileDescriptorSet::decode(encoded)
}

fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn error::Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(proto_files(&path)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

type SecretMessage = (MessageDescriptor, Vec<String>);

/// Messages with a field marked `debug_redact`, and the names of those fields.
fn secret_messages(pool: &DescriptorPool) -> Result<Vec<SecretMessage>, Box<dyn error::Error>> {
    let mut found = Vec::new();
    for message in pool
        .all_messages()
        .filter(|m| m.full_name().starts_with("keyway."))
    {
        let secrets: Vec<_> = message
            .fields()
            .filter(|field| {
                let options = field.options();
                matches!(
                    options.get_field_by_name("debug_redact").as_deref(),
                    Some(Value::Bool(true))
                )
            })
            .map(|field| field.name().to_owned())
            .collect();
        if !secrets.is_empty() {
            found.push((message, secrets));
        }
    }
    if found.is_empty() {
        return Err("no message has a debug_redact field: the option was not read".into());
    }
    Ok(found)
}

/// A Rust array with the full name of every RPC of the contract.
fn rpcs(pool: &DescriptorPool) -> Result<String, std::fmt::Error> {
    let mut code = String::from("&[\n");
    for service in pool
        .services()
        .filter(|service| service.full_name().starts_with("keyway."))
    {
        for method in service.methods() {
            writeln!(code, "\"{}/{}\",", service.full_name(), method.name())?;
        }
    }
    code.push(']');
    Ok(code)
}

fn redacting_debug(messages: &[SecretMessage]) -> Result<String, std::fmt::Error> {
    let mut code = String::new();
    for (message, secrets) in messages {
        let path = message.full_name().replace('.', "::");
        let path = path.strip_prefix("keyway::").unwrap_or(&path);
        let fields: String = message
            .fields()
            .map(|field| {
                let name = field.name().to_owned();
                if secrets.contains(&name) {
                    format!(".field(\"{name}\", &\"REDACTED\")")
                } else {
                    format!(".field(\"{name}\", &self.{name})")
                }
            })
            .collect();
        writeln!(
            code,
            "impl ::core::fmt::Debug for crate::{path} {{ \
             fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{ \
             f.debug_struct(\"{}\"){fields}.finish() }} }}",
            message.name(),
        )?;
    }
    Ok(code)
}
