@echo off
rem Starts the program mqtt of this source tree. Builds it first if there is no build yet or a source is newer than it.
setlocal
set "ROOT=%~dp0"
set "OUTPUT=%ROOT%artifacts\bin\Mqtt.Tool\release"
set "STAMP=%ROOT%artifacts\mqtt.stamp"
set DOTNET_CLI_TELEMETRY_OPTOUT=1
set DOTNET_NOLOGO=1

where /q dotnet || (echo mqtt: the .NET SDK 10 is missing: no dotnet in PATH ^(https://dot.net^) 1>&2& exit /b 1)

if not exist "%OUTPUT%\mqtt.dll" goto build
powershell -NoProfile -Command ^
  "$s = Get-Item '%STAMP%' -ErrorAction SilentlyContinue; if (!$s -or (Get-ChildItem '%ROOT%src' -Recurse | ? LastWriteTimeUtc -gt $s.LastWriteTimeUtc) -or (Get-Item '%ROOT%Directory.*.props', '%ROOT%global.json' | ? LastWriteTimeUtc -gt $s.LastWriteTimeUtc)) { exit 1 }"
if not errorlevel 1 goto run

:build
pushd "%ROOT%"
dotnet --version >nul 2>&1 || (popd & echo mqtt: the .NET SDK here is too old: version 10 or newer is needed ^(https://dot.net^) 1>&2& exit /b 1)
if not exist artifacts mkdir artifacts
type nul > "%STAMP%.new"
dotnet build src\Mqtt.Tool -c Release -v quiet -nologo --disable-build-servers 1>&2 || (popd & echo mqtt: the build failed 1>&2& exit /b 1)
move /y "%STAMP%.new" "%STAMP%" >nul
popd

:run
dotnet "%OUTPUT%\mqtt.dll" %*
exit /b %ERRORLEVEL%
