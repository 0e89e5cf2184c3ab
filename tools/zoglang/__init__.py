"""The two compilers of Zog's description languages: contracts (.zidl) and manifests (manifest.toml)."""
