import { SqliteUnderTest, testLibrary } from './under-test.ts'

testLibrary(
  'SQLite',
  async () => new SqliteUnderTest(),
  under => under[Symbol.asyncDispose](),
)
