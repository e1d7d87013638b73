import 'reflect-metadata';
import { loadEnvFile } from './config/env-file.js';
import { startServer } from './server.js';

loadEnvFile();
await startServer();
