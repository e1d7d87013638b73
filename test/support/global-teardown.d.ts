declare function globalTeardown(): Promise<void>;
export { globalTeardown as default };
