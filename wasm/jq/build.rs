//! The interpreter recurses with the depth of a filter's generators and of its values: a larger stack than 1 MiB.
fn main() {
    if std::env::var("CARGO_CFG_TARGET_ARCH").as_deref() == Ok("wasm32") {
        println!("cargo::rustc-link-arg=-zstack-size=4194304");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
