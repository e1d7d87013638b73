/**
 * Evaluates the ES modules that CommonJS packages `require`. Jest evaluates CommonJS while it still links the test's own
 * graph, and refuses to require an ES module that is not evaluated yet.
 */
import 'reflect-metadata';
import '@nestjs/common';
import '@nestjs/core';
