export declare function freePort(range?: { lowest?: number; end?: number }): Promise<number>;
