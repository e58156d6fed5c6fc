// typedoc reads types through the JavaScript API of TypeScript, which version 7 does not have any more: it brings its own.
const typescriptOfTypedoc = '6.0.3';

export const hooks = {
  readPackage(manifest) {
    if (manifest.name !== 'typedoc') return manifest;
    const { typescript: _, ...peerDependencies } = manifest.peerDependencies;
    return {
      ...manifest,
      peerDependencies,
      dependencies: { ...manifest.dependencies, typescript: typescriptOfTypedoc },
    };
  },
};
