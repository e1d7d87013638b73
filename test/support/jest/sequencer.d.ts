export declare function spread<Test>(tests: Test[], seconds: (test: Test) => number): Test[];
