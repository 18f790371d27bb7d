//! Compiles `envs/` and `lockfiles/` into `bundles/`. It only adapts the compiler to Cargo.

use std::{env, error::Error, path::Path, process::ExitCode};

use a4co_compiler::{
    Findings, SIGNING_KEY_VARIABLE, SigningKey, Source, compile, signing_key_paths, to_line,
};

fn main() -> ExitCode {
    let Err(error) = build() else {
        return ExitCode::SUCCESS;
    };
    match error.downcast_ref::<Findings>() {
        Some(all) => all.iter().for_each(|one| tell("error", &one.to_line())),
        None => tell("error", &to_line(&*error)),
    }
    ExitCode::FAILURE
}

fn build() -> Result<(), Box<dyn Error>> {
    let source = Source::read(Path::new("."))?;
    source.inputs().for_each(|path| tell("rerun-if-changed", path));
    let paths = signing_key_paths(&env::var_os(SIGNING_KEY_VARIABLE).unwrap_or_default())?;
    // Only now: Cargo keeps the value of a variable that it watches, and a key must not be kept.
    tell("rerun-if-env-changed", SIGNING_KEY_VARIABLE);
    let mut keys = Vec::new();
    for path in paths {
        keys.push(SigningKey::read(&path)?);
        tell("rerun-if-changed", &path.to_string_lossy());
    }
    for environment in compile(&source)? {
        match environment.publish(&keys, Path::new("bundles")) {
            Err(error) if error.is_read_only() => tell("warning", &to_line(&error)),
            result => drop(result?),
        }
    }
    Ok(())
}

fn tell(what: &str, text: &str) {
    println!("cargo::{what}={text}");
}
